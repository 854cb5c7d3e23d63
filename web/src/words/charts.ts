// The frame of all charts, and their files.
import type { Words } from "../catalogue.ts";

export const chartsWords = {
  chartMenu: { zh: "{what}：表格与下载", en: "{what}: table and downloads" },
  chartMenuHint: { zh: "表格与下载", en: "Table and downloads" },
  chartTable: { zh: "表格", en: "Table" },
  chartPicture: { zh: "图", en: "Chart" },
  chartDownload: { zh: "下载 {kind}", en: "Download {kind}" },
  chartFailed: { zh: "没有存成，请再试一次", en: "Not saved; try again" },
  chartAsOf: { zh: "截至 {time}", en: "as of {time}" },
  chartAsOfUnknown: { zh: "数据时间未知", en: "data time not known" },
  chartSource: { zh: "来源：城脉 Chengmai", en: "Source: Chengmai" },
  chartSourceDemo: { zh: "来源：城脉 Chengmai，演示城市，合成数据", en: "Source: Chengmai, demo city, synthetic data" },
  sheetAsOf: { zh: "数据截至", en: "As of" },
  daysAll: { zh: "{days} 天都有记录", en: "all {days} days on record" },
  daysSome: { zh: "{days} 天中 {known} 天有记录", en: "{known} of {days} days on record" },
  weeksAll: { zh: "{days} 周都有记录", en: "all {days} weeks on record" },
  weeksSome: { zh: "{days} 周中 {known} 周有记录", en: "{known} of {days} weeks on record" },
  thRemark: { zh: "备注", en: "Remark" },
  dayNotOver: { zh: "未完", en: "not over" },
} as const satisfies Words;
