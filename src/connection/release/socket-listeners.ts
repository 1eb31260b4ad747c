import type { Socket } from 'node:net';

/** Methods that Node's HTTP server replaces on each of its sockets, until a listener needs the bytes themselves. */
type ListenerMethods = Pick<Socket, 'on' | 'addListener' | 'prependListener'>;
type Method = keyof ListenerMethods;
const METHODS: readonly Method[] = ['on', 'addListener', 'prependListener'];

/** All names in the code of a method that uses nothing of its own socket but `this`. */
const KNOWN_NAMES = new Set(
  `function socketListenerWrap ev fn const res net Socket prototype originalFnName call ReflectApply
  FunctionPrototypeCall this if parser on addListener prependListener return data readable unconsume`.split(
    /\s+/,
  ),
);

/** The methods of the first socket; `null` where this version of Node has others. */
let sharedMethods: ListenerMethods | null | undefined;

/**
 * Replaces the methods that Node makes for each socket of an HTTP server by those of the first one: 300 bytes for each client.
 * They are the same closures, which call the method of `net.Socket` with `this`; where their code has a name that is not known,
 * as it may have in a later version of Node, nothing is replaced.
 */
export function shareSocketListeners(socket: Socket): void {
  if (sharedMethods === null || !METHODS.every((method) => isOfServer(socket, method))) return;
  sharedMethods ??= knownMethods(socket);
  if (sharedMethods === null) return;
  socket.on = sharedMethods.on;
  socket.addListener = sharedMethods.addListener;
  socket.prependListener = sharedMethods.prependListener;
}

/** A tracing library may have replaced a method. Node puts the prototype's own back once nothing has to be watched for. */
function isOfServer(socket: Socket, method: Method): boolean {
  return socket[method].name === 'socketListenerWrap' && Object.hasOwn(socket, method);
}

// oxlint-disable-next-line typescript/unbound-method -- they are called with their socket
function knownMethods({ on, addListener, prependListener }: Socket): ListenerMethods | null {
  const methods = { on, addListener, prependListener };
  const names = Object.values(methods).flatMap((method) => String(method).match(/[A-Za-z_$][\w$]*/g) ?? []);
  return names.every((name) => KNOWN_NAMES.has(name)) ? methods : null;
}
