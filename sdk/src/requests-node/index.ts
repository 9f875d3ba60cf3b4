export { type FolderOptions, type KeyFolder, keysFromFolder } from './keys-from-folder.ts';
export { secretFromFile } from './secret-from-file.ts';
