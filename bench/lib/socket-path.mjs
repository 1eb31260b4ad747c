/** Tells a server process to listen on this Unix socket instead of on a TCP port. */
export const SOCKET_PATH_VARIABLE = 'BENCH_SOCKET_PATH';

/** @returns {string | undefined} */
export const socketPath = () => process.env[SOCKET_PATH_VARIABLE];
