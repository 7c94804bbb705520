/** A message that breaks HTTP; its text says in which way. */
export class MessageFault extends Error {
  override readonly name = 'MessageFault'
}
