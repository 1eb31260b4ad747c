import { setTimeout } from 'node:timers/promises';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { connectSse } from 'nestjs-simple-sse/client';

/** Events of the shop, which is another service. */
export interface ShopEvents {
  paid: { id: number };
}

/** Token of the shop's address. */
export const SHOP_URL = Symbol('SHOP_URL');

const RETRY_MS = 1_000;

/** The packed orders, with the position of the last one. Yours are rows of a table, written in one transaction. */
@Injectable()
export class Parcels {
  readonly ids: number[] = [];
  position: string | undefined;

  /** Does nothing for an order that is packed. */
  async pack(id: number, position = this.position): Promise<void> {
    if (!this.ids.includes(id)) this.ids.push(id);
    this.position = position;
  }
}

/** Packs each paid order once, also over restarts of this service and of the shop. */
@Injectable()
export class Packing implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(Packing.name);
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(
    @Inject(SHOP_URL) private readonly shop: string,
    private readonly parcels: Parcels,
  ) {}

  onApplicationBootstrap(): void {
    this.running = this.run(this.stopping.signal);
  }

  /** Ends the stream, and waits for the order in work. */
  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** Begins again behind the last packed order where packing has failed, or the loop was too slow for its queue. */
  private async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.follow(signal).catch(this.report);
      await setTimeout(RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }

  private async follow(signal: AbortSignal): Promise<void> {
    const live = connectSse<ShopEvents>(`${this.shop}/orders/events`, {
      signal,
      lastEventId: this.parcels.position,
      headers: () => ({ authorization: `Bearer ${process.env['SHOP_TOKEN']}` }),
      onError: this.report,
    });
    live.onState((state, { reason }) => this.logger.log(`${state}: ${reason}`));
    live.onGap(() => {
      this.parcels.position = undefined;
      live.close(); // Ends the loop below, and the next one begins with all orders.
    });
    try {
      const paid = live.events('paid', { signal });
      await live.events('sse:ready', { signal }).next();
      await this.packAll(signal);
      for await (const { data, id } of paid) await this.parcels.pack(data.id, id);
    } finally {
      live.close();
    }
  }

  /** Packs the orders of which no event comes: older ones, and those of a gap. */
  private async packAll(signal: AbortSignal): Promise<void> {
    const answer = await fetch(`${this.shop}/orders`, { signal });
    for (const id of (await answer.json()) as number[]) await this.parcels.pack(id);
  }

  private readonly report = (error: unknown): void => this.logger.error(error);
}
