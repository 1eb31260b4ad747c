/** Environment variable: the Unix socket on which a server process listens instead of a TCP port. */
export const SOCKET_PATH_VARIABLE = 'BENCH_SOCKET_PATH';

/** @returns {string | undefined} */
export const socketPath = () => process.env[SOCKET_PATH_VARIABLE];
