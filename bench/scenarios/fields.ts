/** Many fields, both ways. */
import { ANSWERED_FIELDS } from '../backends.ts'
import { requestScenario } from './requests.ts'

const SENT_FIELDS = 20

export const fields = requestScenario({
  name: 'fields',
  title: `${SENT_FIELDS} request fields and ${ANSWERED_FIELDS} response fields`,
  about: 'Small GET with fields such as `X-Asked-1: the value of field 1`, answered with as many; 64 connections (wrk).',
  path: '/fields',
  fields: Array.from({ length: SENT_FIELDS }, (_, index) => `X-Asked-${index + 1}: the value of field ${index + 1}`)
})
