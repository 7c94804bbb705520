import t from 'tap'
import { probeSettings } from '../../src/upstream/probe-settings.ts'

const DEFAULTS = {
  HEALTH_PROTOCOL: 'auto', HEALTH_METHOD: 'GET', HEALTH_PATH: '/health', HEALTH_HOST: '', HEALTH_HEADERS: '', HEALTH_STATUSES: '200', HEALTH_BODY: '', HEALTH_GRPC_SERVICE: '',
  DRAIN_BY_ANSWER: 'on'
} as const

t.test('the defaults: a GET that says what it is, to the backend\'s own host, and 200 is good', async (t) => {
  t.strictSame(probeSettings(DEFAULTS), {
    protocol: 'auto', method: 'GET', path: '/health', host: undefined, fields: ['user-agent', 'fastlancer-probe'], statuses: [200], bodyText: '', grpcService: '', drainsByAnswer: true
  })
})

t.test('what the keys say is read once', async (t) => {
  const settings = probeSettings({
    HEALTH_PROTOCOL: 'http', HEALTH_METHOD: 'POST', HEALTH_PATH: '/up', HEALTH_HOST: 'a', HEALTH_HEADERS: 'X-One: 1', HEALTH_STATUSES: '204,200', HEALTH_BODY: 'ok', HEALTH_GRPC_SERVICE: 'a.B',
    DRAIN_BY_ANSWER: 'off'
  })
  t.strictSame(settings, {
    protocol: 'http', method: 'POST', path: '/up', host: 'a', fields: ['user-agent', 'fastlancer-probe', 'x-one', '1'], statuses: [200, 204], bodyText: 'ok', grpcService: 'a.B', drainsByAnswer: false
  })
})

t.test('another name for the probe takes the place of ours; a value that only looks like it does not', async (t) => {
  t.strictSame(probeSettings({ ...DEFAULTS, HEALTH_HEADERS: 'User-Agent: me' }).fields, ['user-agent', 'me'])
  t.strictSame(probeSettings({ ...DEFAULTS, HEALTH_HEADERS: 'x: user-agent' }).fields, ['user-agent', 'fastlancer-probe', 'x', 'user-agent'])
})
