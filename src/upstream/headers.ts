/** The fields of a request as a backend gets them: the client's, and what the gateway adds. */
import type { ClientRequest } from '../client/client-side.ts'
import type { Peer } from '../client/peers.ts'
import type { RequestHead } from '../client/request-head.ts'
import { type FieldList, NO_FIELDS } from '../wire/fields.ts'
import { forwardedElement } from '../wire/forwarded.ts'
import type { UpstreamRequest } from './carrier.ts'
import type { AttemptBody } from './request-body.ts'

/** What belongs to the fields in a request to a backend. */
export type RequestFields = Pick<UpstreamRequest, 'fields' | 'added' | 'requestId' | 'expectsContinue'>

/** What a request may carry as its id when a trusted peer gave it one. */
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/

const NAMED_ANEW: ReadonlySet<string> = new Set(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-port', 'x-forwarded-host', 'forwarded', 'x-request-id'])

/** The fields of a request to a backend; `id` is the gateway's own name for it. */
export function requestFields (head: RequestHead, peer: Peer, id: string): RequestFields {
  const added = peer.forwardingFields(head.host, head.version)
  const { fields, expectsContinue } = head
  if (peer.isTrusted && head.forwarding.length > 0) return { fields: extended(head, peer, added.fields), added: NO_FIELDS, requestId: id, expectsContinue }
  return { fields, added, requestId: id, expectsContinue }
}

/** A client's request as an attempt sends it. */
export function upstreamRequest ({ raw, head, peer, id }: ClientRequest, body: AttemptBody, isTunnel: boolean): UpstreamRequest {
  const { fields, added, requestId, expectsContinue } = requestFields(head, peer, id)
  return {
    method: raw.method ?? 'GET',
    target: head.target,
    host: head.host,
    fields,
    added,
    requestId,
    expectsContinue,
    body,
    upgrade: isTunnel ? head.upgrade : undefined,
    wantsTrailers: head.wantsTrailers
  }
}

/** All of them, as pairs in the order in which they are sent. */
export function sentFields ({ fields, added, requestId, expectsContinue }: RequestFields): FieldList {
  const sent = [...fields, ...added.fields]
  if (requestId !== undefined) sent.push('x-request-id', requestId)
  if (expectsContinue) sent.push('expect', '100-continue')
  return sent
}

/** The id that a trusted peer gave, if it can be used. */
export function givenRequestId (peer: Peer, value: string | string[] | undefined): string | undefined {
  return peer.isTrusted && typeof value === 'string' && REQUEST_ID.test(value) ? value : undefined
}

/** What a trusted peer said is kept, and this hop added to it. */
function extended (head: RequestHead, peer: Peer, own: FieldList): FieldList {
  const said = new Map<string, string>()
  const others: FieldList = []
  for (let i = 0; i + 1 < head.forwarding.length; i += 2) {
    const name = head.forwarding[i] ?? ''
    const value = head.forwarding[i + 1] ?? ''
    const before = said.get(name)
    if (NAMED_ANEW.has(name)) said.set(name, before === undefined ? value : `${before}, ${value}`)
    else others.push(name, value)
  }
  const fields = [...head.fields, ...others]
  for (let i = 0; i + 1 < own.length; i += 2) {
    const name = own[i] ?? ''
    fields.push(name, merged(name, said.get(name), own[i + 1] ?? '', peer))
    said.delete(name)
  }
  const host = said.get('x-forwarded-host')
  if (host !== undefined) fields.push('x-forwarded-host', host)
  return fields
}

/** Lists are added to; of what has one value, the first hop knows best. */
function merged (name: string, before: string | undefined, own: string, peer: Peer): string {
  if (before === undefined || before === '') return own
  if (name === 'x-forwarded-for') return `${before}, ${own}`
  // This hop saw the peer, not the client: host and protocol that the client used were said by the hop before.
  if (name === 'forwarded') return `${before}, ${forwardedElement({ client: peer.address, proto: peer.proto, host: undefined })}`
  return before
}
