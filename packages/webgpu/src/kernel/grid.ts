/** Largest workgroup count per dispatch dimension in every WebGPU implementation. */
export const maxWorkgroupsPerDimension = 65535

/**
 * Workgroup counts for `count` independent groups: on x alone if they fit, otherwise over x and y. The kernel computes
 * its index as `id.x + id.y * groups.x` (`workgroup_id`, `num_workgroups`) and returns if it is not below the count.
 */
export function linearGrid(count: number): readonly [number, number, number] {
  if (count <= maxWorkgroupsPerDimension) return [count, 1, 1]
  const rows = Math.ceil(count / maxWorkgroupsPerDimension)
  return [Math.ceil(count / rows), rows, 1]
}
