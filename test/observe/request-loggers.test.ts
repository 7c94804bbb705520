import { pino, type Logger, type LoggerOptions } from 'pino'
import t from 'tap'
import { requestLoggers } from '../../src/observe/request-loggers.ts'

/** A logger whose lines are kept. */
function arrange (options: LoggerOptions<string> = {}): { readonly logger: Logger<string>, readonly lines: () => unknown[] } {
  const written: string[] = []
  const logger = pino({ timestamp: false, base: { app: 'a' }, ...options }, { write: (line: string) => { written.push(line) } })
  return { logger, lines: () => written.map((line): unknown => JSON.parse(line)) }
}

t.test('the lines of a request carry its bindings and those of its parent', async (t) => {
  const { logger, lines } = arrange()
  const child = requestLoggers()(logger, { reqId: 'r-1' }, {})
  child.info({ n: 1 }, 'one')
  child.warn('two')
  t.strictSame(lines(), [
    { level: 30, app: 'a', reqId: 'r-1', n: 1, msg: 'one' },
    { level: 40, app: 'a', reqId: 'r-1', msg: 'two' }
  ])
})

t.test('the bindings are written out for the first line, once, and not at all without one', async (t) => {
  let written = 0
  const { logger } = arrange({ serializers: { reqId: (id: unknown) => { written++; return id } } })
  const make = requestLoggers()
  make(logger, { reqId: 'silent' }, {})
  t.equal(written, 0)
  const child = make(logger, { reqId: 'loud' }, {})
  child.info('one')
  child.info('two')
  t.equal(written, 1)
})

t.test('two requests of one logger do not share their bindings', async (t) => {
  const { logger, lines } = arrange()
  const make = requestLoggers()
  const [first, second] = [make(logger, { reqId: '1' }, {}), make(logger, { reqId: '2' }, {})]
  second.info('b')
  first.info('a')
  t.match(lines(), [{ reqId: '2', msg: 'b' }, { reqId: '1', msg: 'a' }])
})

t.test('a logger of a request has children, levels of its maker and all that pino gives', async (t) => {
  const { logger, lines } = arrange({ customLevels: { audit: 35 } })
  const child = requestLoggers()(logger, { reqId: 'r' }, {})
  t.ok('audit' in child)
  const audit: unknown = Reflect.get(child, 'audit')
  if (typeof audit === 'function') audit.call(child, 'custom')
  child.child({ part: 'p' }).info('grandchild')
  t.match(lines(), [{ level: 35, reqId: 'r', msg: 'custom' }, { level: 30, reqId: 'r', part: 'p', msg: 'grandchild' }])
  t.equal(child.level, 'info')
})

t.test('bindings can be read and added to', async (t) => {
  const { logger, lines } = arrange()
  const child = requestLoggers()(logger, { reqId: 'r' }, {})
  if (!isPino(child)) throw new Error('not a logger of pino')
  t.strictSame(child.bindings(), { app: 'a', reqId: 'r' })
  child.setBindings({ user: 'u' })
  child.info('x')
  t.match(lines(), [{ reqId: 'r', user: 'u' }])
})

t.test('bindings that are added do not go through the formatter of the parent again', async (t) => {
  const formatted: unknown[] = []
  const { logger, lines } = arrange({ formatters: { bindings: (bindings) => {
    formatted.push(bindings)
    return bindings
  } } })
  const child = requestLoggers()(logger, { reqId: 'r' }, {})
  if (!isPino(child)) throw new Error('not a logger of pino')
  child.setBindings({ user: 'u' })
  child.info('x')
  t.match(lines(), [{ reqId: 'r', user: 'u' }])
  t.strictSame(formatted, [{ app: 'a' }])
})

t.test('the level of the parent holds, and one for the route over it', async (t) => {
  const { logger, lines } = arrange()
  const make = requestLoggers()
  logger.level = 'warn'
  make(logger, { reqId: 'quiet' }, {}).info('not written')
  make(logger, { reqId: 'loud' }, { level: 'debug' }).debug('written')
  t.match(lines(), [{ reqId: 'loud', msg: 'written' }])
})

t.test('serializers of a route are used', async (t) => {
  const { logger, lines } = arrange()
  requestLoggers()(logger, { reqId: 'r' }, { serializers: { secret: () => '***' } }).info({ secret: 's' }, 'x')
  t.match(lines(), [{ reqId: 'r', secret: '***' }])
})

t.test('of a logger that is not of pino a request gets a child as that makes them', async (t) => {
  const made: unknown[] = []
  const other = arrange().logger
  const logger = { level: 'info', trace () {}, debug () {}, info () {}, warn () {}, error () {}, fatal () {}, silent () {}, child: (bindings: object) => { made.push(bindings); return other } }
  t.equal(requestLoggers()(logger, { reqId: 'r' }, {}), other)
  t.strictSame(made, [{ reqId: 'r' }])
})

function isPino (logger: object): logger is Logger<string> {
  return 'bindings' in logger && 'setBindings' in logger
}
