import { RoomMessage } from '../../protocol/room-message.js';
import { toSseMessage } from './sse-message.js';

const delivery = { rooms: ['a', 'b'], epoch: '0a1b2c3d', position: 35, replayable: true };

describe('a message as an application receives it', () => {
  it.each<[string, boolean, unknown]>([
    ['{"id":7}', true, { id: 7 }],
    ['null', true, null],
    ['{"id":7}', false, '{"id":7}'],
    ['text', false, 'text'],
    // A custom serializer need not write JSON.
    ['<id>7</id>', true, '<id>7</id>'],
  ])('contains %j, made by the serializer: %j', (text, serialized, data) => {
    const message = new RoomMessage({ event: 'paid', data: text, serialized }, delivery);
    expect(toSseMessage('b', message)).toEqual({ room: 'b', event: 'paid', data, id: '1.0a1b2c3d.z' });
  });
});
