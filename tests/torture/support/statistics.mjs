// Figures of a run: medians, and slopes that a few wild values do not move.

/** @param {readonly number[]} values */
export function median(values) {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param {readonly number[]} values */
export const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

/**
 * The slope of y over x by Theil and Sen, the median of the slopes of all pairs, with the interval that holds the true one in 95 of
 * 100 cases (Sen 1968, from the variance of Kendall's S). NaN for fewer than two points, an infinite interval for fewer than four.
 * @param {readonly [number, number][]} points
 * @returns {{slope: number, low: number, high: number, points: number}}
 */
export function slope(points) {
  const n = points.length;
  /** @type {number[]} */
  const slopes = [];
  for (let i = 0; i < n; i += 1) {
    for (let j = i + 1; j < n; j += 1) if (points[j][0] !== points[i][0]) slopes.push((points[j][1] - points[i][1]) / (points[j][0] - points[i][0]));
  }
  slopes.sort((a, b) => a - b);
  const half = (1.96 * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18)) / 2;
  const lower = Math.floor(slopes.length / 2 - half);
  const upper = Math.ceil(slopes.length / 2 + half);
  return {slope: median(slopes), low: slopes[lower] ?? -Infinity, high: slopes[upper] ?? Infinity, points: n};
}

/** @param {number} bytes */
export const mib = (bytes) => bytes / 2 ** 20;
