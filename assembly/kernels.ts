// The operations of the cpu engine on float32 matrices in linear memory, row-major. A pointer is a byte offset, a length counts
// values; memory is imported and owned by the caller. Sums are taken in single precision over short stretches and in
// double precision beyond, so that the error of a long sum stays that of a short one.

export { adamw } from './adamw'
export { addSum, combine, multiply, relu, reluBackward, squaredNorm } from './elementwise'
export { multiplyMatrices, transpose } from './gemm'
export { addRowVector, gatherRows, normalizeRows, normalizeRowsBackward, sumRows } from './rows'
export { finishSoftmax, onlineSoftmax, softmaxCrossEntropy } from './softmax'
