/** Events of the stream: event name to data. The server uses the same type, `SseService<OrderEvents>`. */
export interface OrderEvents {
  /** Numbers of the paid orders: the first event of a stream, sent again after a gap. */
  snapshot: readonly number[];
  paid: { id: number };
}
