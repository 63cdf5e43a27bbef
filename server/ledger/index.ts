export { hashCommand } from './command-hash.ts';
export { Idempotency, sameAnswer, type CommandKey } from './idempotency.ts';
export { Ledger, type LedgerDeps } from './ledger.ts';
export { ServiceCommands, type BurnAnswer, type GrantAnswer } from './service-commands.ts';
