export { agreesWithin } from './compare.ts'
export { parseReceipt, type Receipt, type ReceiptFile, type ReceiptQuality, type ReceiptSpeed } from './receipt.ts'
