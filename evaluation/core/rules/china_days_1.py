"""Working days in mainland China, 2024 to 2026, as the State Council's yearly notices fix them, as data.

Years without a notice yet have only the statutory days of fixed date; a day computed beyond the notices says so.
Marks of confidence: V, the text was read; K, known and to be checked against the text.
"""

from __future__ import annotations

from evidence.core.canonical import Object

CALENDAR: Object = {
    "v": 1,
    "id": "cn-working-days",
    "version": "2026.1",
    # The whole country keeps Beijing time, without a summer time since 1992.
    "offset_hours": 8,
    "years": {
        "2024": {
            "source": "国办发明电〔2023〕7号",
            "mark": "K",
            "off": [
                ["2024-01-01", "2024-01-01"],
                ["2024-02-10", "2024-02-17"],
                ["2024-04-04", "2024-04-06"],
                ["2024-05-01", "2024-05-05"],
                ["2024-06-10", "2024-06-10"],
                ["2024-09-15", "2024-09-17"],
                ["2024-10-01", "2024-10-07"],
            ],
            "on": [
                "2024-02-04",
                "2024-02-18",
                "2024-04-07",
                "2024-04-28",
                "2024-05-11",
                "2024-09-14",
                "2024-09-29",
                "2024-10-12",
            ],
        },
        "2025": {
            "source": "国办发明电〔2024〕12号",
            "mark": "V",
            "off": [
                ["2025-01-01", "2025-01-01"],
                ["2025-01-28", "2025-02-04"],
                ["2025-04-04", "2025-04-06"],
                ["2025-05-01", "2025-05-05"],
                ["2025-05-31", "2025-06-02"],
                ["2025-10-01", "2025-10-08"],
            ],
            "on": ["2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11"],
        },
        "2026": {
            "source": "国务院办公厅关于2026年部分节假日安排的通知（2025年11月4日）",
            "mark": "V",
            "off": [
                ["2026-01-01", "2026-01-03"],
                ["2026-02-15", "2026-02-23"],
                ["2026-04-04", "2026-04-06"],
                ["2026-05-01", "2026-05-05"],
                ["2026-06-19", "2026-06-21"],
                ["2026-09-25", "2026-09-27"],
                ["2026-10-01", "2026-10-07"],
            ],
            "on": ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"],
        },
    },
    # Statutory holidays of fixed date, which hold in years without a notice, too.
    "fixed": ["01-01", "05-01", "05-02", "10-01", "10-02", "10-03"],
    "source": "全国年节及纪念日放假办法（2024年修订）",
    "mark": "K",
}
