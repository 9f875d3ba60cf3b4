const nowhere: string = './nowhere.ts';
await import(nowhere);
