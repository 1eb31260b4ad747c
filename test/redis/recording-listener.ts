import type { BrokerListener, BrokerState, RoomMessage } from 'nestjs-simple-sse';

/** Records everything that a broker reports. */
export class RecordingListener implements BrokerListener {
  readonly messages: RoomMessage[] = [];
  readonly states: BrokerState[] = [];
  readonly epochs: string[] = [];
  readonly gaps: (readonly string[])[] = [];
  readonly onMessage = (message: RoomMessage): void => void this.messages.push(message);
  readonly onStateChange = (state: BrokerState): void => void this.states.push(state);
  readonly onEpochChange = (epoch: string): void => void this.epochs.push(epoch);
  readonly onGap = (rooms: readonly string[]): void => void this.gaps.push(rooms);

  get texts(): string[] {
    return this.messages.map(({ data }) => data);
  }
}
