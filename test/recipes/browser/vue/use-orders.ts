import { connectSse, type SseLive, type SseState } from 'nestjs-simple-sse/client';
import { onMounted, onUnmounted, readonly, ref, shallowRef, type Ref } from 'vue';
import type { OrderEvents } from '../order-events.js';

/** The orders that a component shows. Its stream is open while the component is mounted, and never on a server. */
export function useOrders(): { state: Readonly<Ref<SseState>>; paid: Readonly<Ref<ReadonlySet<number>>> } {
  const state = ref<SseState>('connecting');
  const paid = shallowRef<ReadonlySet<number>>(new Set());
  let live: SseLive<OrderEvents> | undefined;
  onMounted(() => {
    live = connectSse<OrderEvents>('/orders/events');
    // The snapshot may have some of the orders that follow it: a set has each of them once.
    live.on('snapshot', (ids) => (paid.value = new Set(ids)));
    live.on('paid', ({ id }) => (paid.value = new Set(paid.value).add(id)));
    live.onGap(() => {}); // The server sends the snapshot again.
    live.onState((now) => (state.value = now));
  });
  onUnmounted(() => live?.close());
  return { state: readonly(state), paid };
}
