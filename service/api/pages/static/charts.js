// Live line charts: uPlot in the page's colours, light and dark.

/* global uPlot */

await new Promise((resolve, reject) => {
  const src = new URL("./vendor/uplot/uPlot.iife.min.js", import.meta.url).href;
  document.head.append(Object.assign(document.createElement("script"), { src, onload: resolve, onerror: reject }));
});

const dark = matchMedia("(prefers-color-scheme: dark)");
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const short = Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** Whether a value is more than `times` the first one. */
function diverged(values, times) {
  const known = values.filter((value) => value !== null);
  return known.length > 1 && known.every((value) => value > 0) && Math.max(...known) > times * known[0];
}

/** The latest known value at an index. */
const latest = (values, index) => values.slice(0, (index ?? -1) + 1).findLast((value) => value !== null);

/** A chart in the element: `lines` are `{label, colour, marked, dashed}`, `digits` those of its values. If the element
    has `data-diverged`, the multiple of a line's first value from which on it has diverged, the scale becomes
    logarithmic when one does; `onScale` is called with whether it is. */
export class Chart {
  #element;
  #lines;
  #height;
  #digits;
  #plot = null;
  #data;
  #due = false;
  #onScale;
  #logarithmic = false;
  #watching = new AbortController();

  constructor(element, lines, { height = 150, digits = 4, onScale = () => {} } = {}) {
    this.#element = element;
    this.#lines = lines;
    this.#height = height;
    this.#digits = digits;
    this.#onScale = onScale;
    this.clear();
    const observer = new ResizeObserver(() => this.#resize());
    observer.observe(element);
    this.#watching.signal.addEventListener("abort", () => observer.disconnect());
    dark.addEventListener("change", () => this.#make(), { signal: this.#watching.signal });
  }

  /** Remove it from the page. */
  remove() {
    this.#watching.abort();
    this.#plot.destroy();
  }

  /** Show a table `[x, y]` for each line; their x may differ. */
  show(tables) {
    this.#data = uPlot.join(tables);
    this.#draw();
  }

  clear() {
    this.#data = [[], ...this.#lines.map(() => [])];
    this.#scale(false);
    this.#make();
  }

  /** Add a point; undefined or null values are unknown. */
  add(x, ...values) {
    const last = this.#data[0].length - 1;
    if (this.#data[0][last] === x) {
      values.forEach((value, line) => (this.#data[line + 1][last] = value ?? this.#data[line + 1][last]));
    } else {
      this.#data[0].push(x);
      values.forEach((value, line) => this.#data[line + 1].push(value ?? null));
    }
    if (!this.#due) requestAnimationFrame(() => this.#draw());
    this.#due = true;
  }

  #draw() {
    this.#due = false;
    const times = Number(this.#element.dataset.diverged ?? Infinity);
    const logarithmic = this.#data.slice(1).some((values) => diverged(values, times));
    if (logarithmic !== this.#logarithmic) this.#make(this.#scale(logarithmic));
    this.#plot.setData(this.#data);
    requestAnimationFrame(() => this.#showLegend());
  }

  /** Show the latest values in the legend, unless the pointer selects others; after a new plot has cleared it. */
  #showLegend() {
    if (this.#plot.cursor.idx == null) this.#plot.setLegend({ idx: this.#data[0].length - 1 });
  }

  #scale(logarithmic) {
    this.#logarithmic = logarithmic;
    this.#onScale(logarithmic);
  }

  #resize() {
    const width = this.#element.clientWidth;
    if (width && width !== this.#plot.width) this.#plot.setSize({ width, height: this.#height });
  }

  #make() {
    this.#plot?.destroy();
    const width = this.#element.clientWidth || 300;
    const options = { width, height: this.#height, series: this.#series(), axes: this.#axes(), 
      scales: { x: { time: false }, y: { distr: this.#logarithmic ? 3 : 1 } } };
    this.#plot = new uPlot({ ...options, cursor: { drag: { x: false, y: false } } }, this.#data, this.#element);
  }

  #series() {
    const shown = (_, value, line, index) => (value ?? latest(this.#data[line], index))?.toPrecision(this.#digits) ?? "–";
    const lines = this.#lines.map(({ label, colour, marked, dashed }) => ({
      label, stroke: ink(colour), width: 1.75, dash: dashed ? [6, 4] : undefined, spanGaps: true, value: shown,
      points: { show: Boolean(marked), size: 6, fill: ink(colour) },
    }));
    return [{ label: "characters", value: (_, value) => (value === null ? "–" : short.format(value)) }, ...lines];
  }

  #axes() {
    const common = { stroke: ink("--soft"), grid: { stroke: ink("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    return [
      { ...common, grid: { show: false }, size: 28, values: (_, all) => all.map((each) => short.format(each)) },
      { ...common, size: 54, values: (_, all) => all.map((each) => (each === null ? "" : short.format(each))) },
    ];
  }
}
