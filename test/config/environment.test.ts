import { join } from 'node:path'
import t from 'tap'
import { readEnvFile, readEnvironment } from '../../src/config/environment.ts'

/** A name that no machine sets by itself. */
const NAME = 'FASTLANCER_ENVIRONMENT_TEST'

t.afterEach(() => { delete process.env[NAME] })

t.test('without a file the variables of the process are the environment', async (t) => {
  process.env[NAME] = 'of the process'
  t.strictSame(readEnvironment(readEnvFile(join(t.testdir(), '.env'))), { ...process.env })
})

t.test('a variable of the file is there when the process has none of that name', async (t) => {
  const folder = t.testdir({ '.env': `# a comment\n${NAME}="of the file"\n` })
  t.strictSame(readEnvironment(readEnvFile(join(folder, '.env'))), { ...process.env, [NAME]: 'of the file' })
})

t.test('a variable of the process goes before that of the file', async (t) => {
  const folder = t.testdir({ '.env': `${NAME}=of the file` })
  process.env[NAME] = 'of the process'
  t.equal(readEnvironment(readEnvFile(join(folder, '.env')))[NAME], 'of the process')
})

t.test('even an empty variable of the process goes before that of the file', async (t) => {
  const folder = t.testdir({ '.env': `${NAME}=of the file` })
  process.env[NAME] = ''
  t.equal(readEnvironment(readEnvFile(join(folder, '.env')))[NAME], '')
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
  readEnvironment(readEnvFile(join(folder, '.env')))
  t.equal(process.env[NAME], undefined)
})

t.test('a file that is not there has no variables, and is no fault', async (t) => {
  t.strictSame(readEnvFile(join(t.testdir(), '.env')), { variables: {} })
})

t.test('a file that is there and cannot be read is a fault that says what to do', async (t) => {
  const file = join(t.testdir({ '.env': {} }), '.env')
  t.strictSame(readEnvFile(file), { variables: {}, fault: `${file}: cannot be read (EISDIR): make it a file that this user may read, or remove it` })
})

t.test('a byte order mark before the first key is no part of it', async (t) => {
  const folder = t.testdir({ '.env': '\ufeffFIRST=1\r\nSECOND=2\r\n' })
  t.same(readEnvFile(join(folder, '.env')), { variables: { FIRST: '1', SECOND: '2' } })
})

t.test('a file in UTF-16 is a fault, not a file without keys', async (t) => {
  const folder = t.testdir({ '.env': Buffer.from('\ufeffPORT=1\n', 'utf16le') })
  t.match(readEnvFile(join(folder, '.env')), { variables: {}, fault: /\.env: is not a text in UTF-8: save it as one$/ })
})
