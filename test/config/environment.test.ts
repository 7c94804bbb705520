import { join } from 'node:path'
import t from 'tap'
import { readEnvironment } from '../../src/config/environment.ts'

/** A name that no machine sets by itself. */
const NAME = 'FASTLANCER_ENVIRONMENT_TEST'

t.afterEach(() => { delete process.env[NAME] })

t.test('without a file the variables of the process are the environment', async (t) => {
  process.env[NAME] = 'of the process'
  t.strictSame(readEnvironment(join(t.testdir(), '.env')), { ...process.env })
})

t.test('a variable of the file is there when the process has none of that name', async (t) => {
  const folder = t.testdir({ '.env': `# a comment\n${NAME}="of the file"\n` })
  t.strictSame(readEnvironment(join(folder, '.env')), { ...process.env, [NAME]: 'of the file' })
})

t.test('a variable of the process goes before that of the file', async (t) => {
  const folder = t.testdir({ '.env': `${NAME}=of the file` })
  process.env[NAME] = 'of the process'
  t.equal(readEnvironment(join(folder, '.env'))[NAME], 'of the process')
})

t.test('even an empty variable of the process goes before that of the file', async (t) => {
  const folder = t.testdir({ '.env': `${NAME}=of the file` })
  process.env[NAME] = ''
  t.equal(readEnvironment(join(folder, '.env'))[NAME], '')
})

t.test('the file is looked for in the working directory as .env', async (t) => {
  const folder = t.testdir({ '.env': `${NAME}=found` })
  const before = process.cwd()
  t.teardown(() => process.chdir(before))
  process.chdir(folder)
  t.equal(readEnvironment()[NAME], 'found')
})

t.test('the variables of the process stay as they are', async (t) => {
  const folder = t.testdir({ '.env': `${NAME}=of the file` })
  readEnvironment(join(folder, '.env'))
  t.equal(process.env[NAME], undefined)
})

t.test('a file that is there and cannot be read is an error', async (t) => {
  const folder = t.testdir({ '.env': {} })
  t.throws(() => readEnvironment(join(folder, '.env')), { code: 'EISDIR' })
})
