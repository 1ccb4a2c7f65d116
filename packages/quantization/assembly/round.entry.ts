export { roundGroups } from './encode/groups'
