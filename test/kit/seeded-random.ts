/** Randomness that is the same in every run, as the public test kit has it. */
export { seededRandom } from '../../src/testing/random.ts'
