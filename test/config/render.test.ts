/** What people read of the configuration is what the gateway takes. */
import { parseEnv } from 'node:util'
import t from 'tap'
import { createApp } from '../../src/app.ts'
import { allowedValues, CONFIG_KEYS, schemaRules } from '../../src/config/env-schema.ts'
import { insertConfigTable, renderConfigTable, renderEnvExample } from '../../src/config/render.ts'

t.test('.env.example sets every key to its default, in the order of the schema', async (t) => {
  const text = renderEnvExample()
  t.strictSame(text.match(/^\w+(?==)/gm), CONFIG_KEYS)
  const env = parseEnv(text)
  for (const key of CONFIG_KEYS) t.equal(env[key], String(schemaRules(key).get('default')), key)
})

t.test('.env.example says of each key what it means and what is allowed', async (t) => {
  const text = renderEnvExample()
  for (const key of CONFIG_KEYS) {
    t.ok(text.includes(`\n# ${String(schemaRules(key).get('description'))}\n# Allowed: ${allowedValues(key)}.\n${key}=`), key)
  }
})

t.test('the gateway starts with .env.example as it is, and runs as without it', async (t) => {
  const [given, bare] = [createApp({ env: parseEnv(renderEnvExample()) }), createApp()]
  t.teardown(async () => Promise.all([given.close(), bare.close()]))
  await Promise.all([given.ready(), bare.ready()])
  t.strictSame(given.config, bare.config)
})

t.test('the table has a row a key, with four cells', async (t) => {
  const [head, rule, ...rows] = renderConfigTable().split('\n')
  t.equal(head, '| Name | Default | Allowed | Meaning |')
  t.equal(rule, '| --- | --- | --- | --- |')
  t.strictSame(rows.map((row) => /^\| `(\w+)` \|/.exec(row)?.[1]), CONFIG_KEYS)
  for (const row of rows) t.equal(row.split(/(?<!\\)\|/).length, 6, row)
})

t.test('a default that is empty is called none', async (t) => {
  t.match(renderConfigTable(), /\| `PLUGINS_DIR` \| none \|/)
})

t.test('the table takes the place of what stands between the marks, and of nothing else', async (t) => {
  const page = 'before\n<!-- config:begin -->\nold\n<!-- config:end -->\nafter\n'
  const inserted = insertConfigTable(page, '| new |')
  t.equal(inserted, 'before\n<!-- config:begin -->\n| new |\n<!-- config:end -->\nafter\n')
  t.equal(insertConfigTable(inserted, '| new |'), inserted, 'doing it again changes nothing')
})

t.test('a page without the marks is refused', async (t) => {
  t.throws(() => insertConfigTable('', '| new |'), /config:begin.*missing/)
  t.throws(() => insertConfigTable('<!-- config:end --> <!-- config:begin -->', '| new |'), /wrong order/)
})
