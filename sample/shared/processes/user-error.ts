/** An error that the user can fix. It is printed without a stack. */
export class UserError extends Error {}
