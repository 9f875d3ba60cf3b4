/** Permissions by name, and what includes what. No I/O, no dependency: for agents, APIs and browsers. */
export { BUILT_IN_SERVICES, builtInPermissions } from './built-in-catalogue.ts';
export { type Permission, Permissions, type PermissionText } from './permission-builder.ts';
export { covers, permissionCovers } from '../shared/covers.ts';
