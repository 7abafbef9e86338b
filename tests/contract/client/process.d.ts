// All that order.ts needs of Node.
declare const process: { argv: string[] };
