// The parts of ECharts the pages use, and the SVG renderer only: it prints sharply.
import { BarChart, CustomChart, GraphChart, HeatmapChart, LineChart, SankeyChart, ScatterChart, TreeChart } from "echarts/charts";
import { AriaComponent, DatasetComponent, DataZoomComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent, MarkPointComponent, TitleComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { registerLocale, use } from "echarts/core";
import langRU from "echarts/lib/i18n/langRU.js";
import { SVGRenderer } from "echarts/renderers";

use([
  BarChart, CustomChart, GraphChart, HeatmapChart, LineChart, SankeyChart, ScatterChart, TreeChart,
  AriaComponent, DatasetComponent, DataZoomComponent, GridComponent, LegendComponent, MarkAreaComponent,
  MarkLineComponent, MarkPointComponent, TitleComponent, TooltipComponent, VisualMapComponent,
  SVGRenderer,
]);
registerLocale("RU", langRU.default ?? langRU);

export { connect, disconnect, format, getInstanceByDom, graphic, init, registerLocale, time } from "echarts/core";
