import * as fc from 'fast-check';
import { unchunked } from '../../test/protocol/unchunked.js';
import { anyText } from '../../test/protocol/arbitraries.js';
import { encodeEvent } from './encode-event.js';
import { RoomMessage } from './room-message.js';
import { SseFrame, allocateChunk } from './sse-frame.js';

describe('SseFrame', () => {
  it('holds the UTF-8 bytes of its text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(new SseFrame(text).bytes).toEqual(Buffer.from(text));
      }),
    );
  });

  it('is one HTTP/1.1 chunk that decodes to those bytes, also one after another', () => {
    fc.assert(
      fc.property(
        fc.array(
          anyText.filter((text) => text !== ''),
          { maxLength: 6 },
        ),
        (texts) => {
          const chunks = texts.map((text) => new SseFrame(text).chunked);
          expect(unchunked(Buffer.concat(chunks))).toEqual(texts.map((text) => Buffer.from(text)));
        },
      ),
    );
  });

  it.each([1, 9, 10, 15, 16, 255, 256, 4_095, 4_096, 65_536, 1_048_576])(
    'frames %i bytes, whatever the number of digits of the length',
    (length) => {
      const { chunked, bytes } = new SseFrame('x'.repeat(length));
      expect(chunked.length).toBe(length + length.toString(16).length + 4);
      const [inside, ...others] = unchunked(chunked);
      expect(inside?.equals(bytes)).toBe(true);
      expect(others).toEqual([]);
    },
  );

  it('keeps both forms in one allocation', () => {
    const { chunked, bytes } = new SseFrame('data: x\n\n');
    expect(bytes.buffer).toBe(chunked.buffer);
    expect(chunked.toString()).toBe('9\r\ndata: x\n\n\r\n');
  });

  it('retains no shared block once it is settled or has an id', () => {
    expect(ownsMemory(new SseFrame('data: x\nid: 7\n\n', { position: 7, idLength: 6 }))).toBe(true);
    fc.assert(
      fc.property(anyText, (text) => {
        const frame = new SseFrame(text);
        const { chunked } = frame;
        frame.settle();
        expect(ownsMemory(frame)).toBe(true);
        expect(frame.chunked).toEqual(chunked);
        expect(frame.bytes).toEqual(Buffer.from(text));
        expect(frame.bytes.buffer).toBe(frame.chunked.buffer);
      }),
    );
  });

  it('has no position and is not volatile by default', () => {
    expect(new SseFrame('x')).toMatchObject({ position: 0, volatileKey: undefined });
    expect(new SseFrame('x', { position: 7, volatileKey: 'k' })).toMatchObject({
      position: 7,
      volatileKey: 'k',
    });
  });
});

describe('an anonymous frame', () => {
  it('is the same event without its id line, made once for all who need it', () => {
    const message = new RoomMessage(
      { event: 'paid', data: 'zürich\n🙂', serialized: false },
      { rooms: ['a'], epoch: '0a1b2c3d', position: 7, replayable: true },
    );
    expect(message.frame.bytes.toString()).toBe('event: paid\ndata: zürich\ndata: 🙂\nid: 1.0a1b2c3d.7\n\n');
    expect(message.frame.anonymous.bytes.toString()).toBe('event: paid\ndata: zürich\ndata: 🙂\n\n');
    expect(message.frame.anonymous.position).toBe(0);
    expect(message.frame.anonymous).toBe(message.frame.anonymous);
    expect(message.frame.anonymous.anonymous).toBe(message.frame.anonymous);
  });

  it('is the frame itself where there is no id', () => {
    const frame = new SseFrame(encodeEvent({ data: 'x' }));
    expect(frame.anonymous).toBe(frame);
  });

  it('has the bytes of the event encoded without an id', () => {
    fc.assert(
      fc.property(anyText, fc.maxSafeNat(), (data, position) => {
        const { frame } = new RoomMessage(
          { event: undefined, data, serialized: false },
          { rooms: ['a'], epoch: '0a1b2c3d', position, replayable: true },
        );
        expect(frame.anonymous.bytes).toEqual(Buffer.from(encodeEvent({ data })));
      }),
    );
  });
});

describe('a room message', () => {
  const text = { event: 'tick', data: '1', serialized: true };

  it('carries its position as id only if it is replayable', () => {
    const delivery = { rooms: ['a'], epoch: '0a1b2c3d', position: 35 };
    const replayable = new RoomMessage(text, { ...delivery, replayable: true });
    const ephemeral = new RoomMessage(text, { ...delivery, replayable: false });
    expect([replayable.id, replayable.frame.position]).toEqual(['1.0a1b2c3d.z', 35]);
    expect([ephemeral.id, ephemeral.frame.position]).toEqual([undefined, 0]);
    expect(ephemeral.frame.bytes.toString()).toBe('event: tick\ndata: 1\n\n');
    expect(replayable.frame).toBe(replayable.frame);
  });

  it('volatile ones share a key by rooms and event, and no other does', () => {
    expect(keyOf(['a'], 'tick')).toBe(keyOf(['a'], 'tick'));
    expect(keyOf(['a'], 'tick', false)).toBeUndefined();
    const keys = [
      keyOf(['a'], 'tick'),
      keyOf(['b'], 'tick'),
      keyOf(['a', 'b'], 'tick'),
      keyOf(['a'], undefined),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('allocateChunk', () => {
  it('leaves exactly the inside to be written', () => {
    const { chunked, bytes } = allocateChunk(3);
    bytes.fill('x');
    expect(chunked.toString()).toBe('3\r\nxxx\r\n');
  });
});

function keyOf(rooms: string[], event: string | undefined, volatile = true): string | undefined {
  const delivery = { rooms, epoch: '0a1b2c3d', position: 1, replayable: false, volatile };
  return new RoomMessage({ event, data: '1', serialized: true }, delivery).frame.volatileKey;
}

function ownsMemory({ chunked }: SseFrame): boolean {
  return chunked.buffer.byteLength === chunked.length;
}
