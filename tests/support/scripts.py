"""Words in many scripts, as names of places have them."""

# ruff: noqa: RUF001
SCRIPTS = {
    "Latin": "Łódź, Đà Nẵng, Şanlıurfa",
    "Greek": "Θεσσαλονίκη και Αθήνα",
    "Cyrillic": "Київ, Тбілісі, Димитровград",
    "Arabic": "القاهرة والإسكندرية (شارع 26 يوليو)",
    "Persian": "می‌خواهم به تهران بروم",
    "Hebrew": "תל אביב-יפו, רחוב 12 (Dizengoff)",
    "Thai": "กรุงเทพมหานครอมรรัตนโกสินทร์มหินทรายุธยา",
    "Devanagari": "नई दिल्ली, क्षत्रिय, श्रीनगर",
    "Bengali": "ঢাকা ও কলকাতা",
    "Tamil": "சென்னை, திருநெல்வேலி",
    "Simplified Chinese": "北京市海淀区中关村大街",
    "Japanese": "東京都渋谷区ハチ公前",
    "Korean": "서울특별시 강남구",
    "Georgian": "თბილისი",
    "Armenian": "Երևան",
    "Amharic": "አዲስ አበባ",
    "Khmer": "ភ្នំពេញ",
    "Emoji": "🚀 👩‍💻 🇩🇪 ❤️ 🏳️‍🌈",
}
