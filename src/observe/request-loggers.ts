/**
 * The loggers of requests. pino writes the bindings of a child out as JSON when it is made, which costs more than all else that
 * a request without a line of its own asks of a logger; here that is done when the first line is written.
 */
import { type BaseLogger, type Bindings, type ChildLoggerOptions, symbols } from 'pino'

/** What Fastify takes for a logger. */
export type RequestLogger = Pick<BaseLogger, 'level' | 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'> & {
  child (bindings: Bindings, options?: ChildLoggerOptions): RequestLogger
}

/** Makes the logger of a request: Fastify's `childLoggerFactory`. */
export type RequestLoggerFactory = (parent: RequestLogger, bindings: Bindings, options: ChildLoggerOptions) => RequestLogger

/** Where pino keeps the bindings of a logger as it writes them. Public, so that it can be replaced. */
const WRITTEN: typeof symbols.chindingsSym = symbols.chindingsSym

/** Where it keeps what becomes of bindings before they are written: the formatter of a parent is not applied to those of its children again. */
const FORMATTERS: typeof symbols.formattersSym = symbols.formattersSym

/** A factory of loggers that are children of their parent in all that can be seen of them. Of a parent that is not pino's they are real ones. */
export function requestLoggers (): RequestLoggerFactory {
  let known: RequestLogger | undefined
  let make: ((bindings: Bindings) => RequestLogger) | undefined
  return (parent, bindings, options) => {
    if (options.level !== undefined || options.serializers !== undefined) return parent.child(bindings, options)
    if (parent !== known) {
      known = parent
      make = WRITTEN in parent ? lateChildren(parent) : undefined
    }
    return make === undefined ? parent.child(bindings, options) : make(bindings)
  }
}

function lateChildren (parent: RequestLogger): (bindings: Bindings) => RequestLogger {
  class LateChild {
    readonly bound: Bindings

    constructor (bindings: Bindings) {
      this.bound = bindings
    }
  }
  Object.setPrototypeOf(LateChild.prototype, parent)
  Object.defineProperty(LateChild.prototype, FORMATTERS, { value: Reflect.get(parent.child({}), FORMATTERS), writable: true })
  Object.defineProperty(LateChild.prototype, WRITTEN, {
    get (this: LateChild): unknown {
      const written: unknown = Reflect.get(parent.child(this.bound), WRITTEN)
      Object.defineProperty(this, WRITTEN, { value: written, writable: true })
      return written
    },
    // As pino's setBindings does.
    set (this: LateChild, written: unknown) {
      Object.defineProperty(this, WRITTEN, { value: written, writable: true })
    }
  })
  return (bindings) => {
    const child: object = new LateChild(bindings)
    return isLogger(child) ? child : parent.child(bindings)
  }
}

function isLogger (value: object): value is RequestLogger {
  return 'child' in value
}
