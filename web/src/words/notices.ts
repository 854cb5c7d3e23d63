// Notices to the reader.
import type { Words } from "../catalogue.ts";

export const noticesWords = {
  notices: { zh: "通知", en: "Notices" },
  noticesUnread: { zh: "通知 {count}", en: "Notices {count}" },
  noticesRead: { zh: "全部标为已读", en: "Mark all as read" },
  noticesNone: { zh: "没有通知。", en: "No notices." },
  noticesMore: { zh: "只列最新的 {count} 条", en: "the newest {count}" },
  noticeUnread: { zh: "未读", en: "unread" },
  noticeDigest: { zh: "另有 {found} 项", en: "{found} more" },
  notice_owner: { zh: "该你办", en: "Yours to do" },
  notice_told: { zh: "升级到你", en: "Escalated to you" },
  notice_overdue: { zh: "已逾期", en: "Overdue" },
  notice_closed: { zh: "已结束", en: "Ended" },
  notice_glass: { zh: "有人破窗查看", en: "Glass was broken" },
  notice_override: { zh: "有人申请人工改判", en: "An override was asked for" },
} as const satisfies Words;
