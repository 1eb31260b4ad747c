/**
 * The server of a connection was the master and is no longer. The message begins as an error reply of Redis does, so that it
 * is logged as the reason of the outage.
 */
export class FormerMasterError extends Error {
  /** @param authority the servers that name another master @param master the address of the current master */
  constructor(authority: string, master: string) {
    super(`FORMERMASTER The server is a former master: ${authority} name ${master}.`);
  }
}
