/** Loads the user's plugins from PLUGINS_DIR. Before the proxy route: a hook added later would not run there. */
import { resolve } from 'node:path'
import autoload from '@fastify/autoload'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { ExtensionsFailedError } from '../src/errors.ts'

async function extensions (fastify: FastifyInstance): Promise<void> {
  const folder = fastify.config.PLUGINS_DIR
  if (folder === '') return
  try {
    // Not encapsulated, so that a hook or a decorator holds for proxied requests without the plugin's doing anything for it.
    await fastify.register(autoload, { dir: resolve(folder), encapsulate: false, dirNameRoutePrefix: false, forceESM: true })
  } catch (error) {
    const failure = new ExtensionsFailedError(folder, describe(error, resolve(folder)))
    failure.cause = error
    throw failure
  }
}

/** The error's message, with the plugin that it came from, if its stack tells. */
function describe (error: unknown, folder: string): string {
  if (!(error instanceof Error)) return String(error)
  const place = error.stack?.split(folder)[1]
  const file = place === undefined ? undefined : /^[/\\]([^:)\s]+)/.exec(place)?.[1]
  return file === undefined ? error.message : `${file}: ${error.message}`
}

export default fp(extensions, { name: 'fastlancer-extensions', fastify: '5.x', dependencies: ['fastlancer-config'] })
