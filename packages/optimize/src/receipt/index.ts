export { agreesWithin, type Agreement, embeddingsAgreeWithin } from './compare.ts'
export {
  parseReceipt,
  type Receipt,
  type ReceiptEmbeddings,
  type ReceiptEmbeddingSpeed,
  type ReceiptFile,
  type ReceiptQuality,
  type ReceiptSpeed,
} from './receipt.ts'
