/** Pearson's chi-squared test, as the public test kit has it. */
export { chiSquaredExcess } from '../../src/testing/chi-squared.ts'
