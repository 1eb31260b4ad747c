/** Ends the stream of a client without control events, which would take a plain end for the end of a whole run. */
export class RunFailedError extends Error {
  override readonly name = 'RunFailedError';

  constructor() {
    super('The run that the client follows has failed.');
  }
}
