import { covers, type Permission, Permissions } from '@taskgrant/sdk/permissions';

const held: Permission[] = [Permissions.Zendesk.Tickets.All, Permissions.GitHub.Issues.Read];

console.log(held);
console.log(covers(held, [Permissions.Zendesk.Tickets.Read]));
console.log(covers(held, [Permissions.GitHub.Issues.Write]));
