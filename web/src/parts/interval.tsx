// An estimate with its interval as a line and a dot, and the limit it is held against as a mark. The numbers stand beside it in words.
// `beside`: further values the scale has room for, so that lines below each other compare.
export function Interval({ estimate, low = estimate, high = estimate, limit, beside = [] }: { estimate: number; low?: number | undefined; high?: number | undefined; limit?: number | undefined; beside?: number[] }) {
  const points = [...beside, estimate, low, high, ...(limit === undefined ? [] : [limit])];
  const least = Math.min(...points);
  const most = Math.max(...points);
  const room = (most - least || Math.abs(most) || 1) * 0.12;
  const x = (value: number) => 4 + (112 * (value - least + room)) / (most - least + 2 * room);
  return (
    <svg class="interval" width="120" height="18" viewBox="0 0 120 18" aria-hidden="true">
      <line class="base" x1="0" x2="120" y1="9" y2="9" />
      {limit !== undefined && <line class="limit" x1={x(limit)} x2={x(limit)} y1="1" y2="17" />}
      {high > low && <line class="range" x1={x(low)} x2={x(high)} y1="9" y2="9" />}
      <circle cx={x(estimate)} cy="9" r="3.5" />
    </svg>
  );
}
