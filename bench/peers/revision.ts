/** The commit of a checkout. */
import { spawnSync } from 'node:child_process'

/** Its short name, with a mark if sources or plugins differ from it; `no commit` outside of git. */
export function revisionOf (folder: string): string {
  const git = (...args: readonly string[]): string => spawnSync('git', ['-C', folder, ...args], { encoding: 'utf8' }).stdout.trim()
  const commit = git('rev-parse', '--short', 'HEAD')
  if (commit === '') return 'no commit'
  return git('status', '--porcelain', '--', 'src', 'plugins') === '' ? commit : `${commit}, changed`
}
