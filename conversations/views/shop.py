"""The demo shop's goods and words, in both languages. A made-up shop: it says so itself, and nothing can be bought."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from conversations.models import Locale


@dataclass(frozen=True)
class Product:
    """Something the demo shop shows."""

    image: str
    name: str
    detail: str
    price: str


@dataclass(frozen=True)
class ShopWords:
    """What the page says in one language."""

    title: str
    description: str
    notice: str
    simulated: str
    skip: str
    nav: tuple[str, ...]
    language: str
    other_locale: str
    heading: str
    lead: str
    ask: str
    goods: str
    goods_lead: str
    promises: tuple[tuple[str, str], ...]
    try_heading: str
    try_lead: str
    questions: tuple[str, ...]
    footer: str
    products: tuple[Product, ...]


THAI: Final = ShopWords(
    title="ผ้าฝ้ายและงานมือจากเชียงใหม่",
    description="หน้าร้านตัวอย่างของ csbot แชตบอตบริการลูกค้าแบบโอเพนซอร์ส",
    notice="ร้านตัวอย่างของ csbot สั่งซื้อจริงไม่ได้",
    simulated="ไม่มี API key คำตอบในแชตมาจากตัวจำลอง",
    skip="ข้ามไปที่สินค้า",
    nav=("สินค้า", "การจัดส่ง", "ลองถาม"),
    language="English",
    other_locale=Locale.EN.value,
    heading="ของใช้ทำมือ\nที่อยู่กับคุณได้นาน",
    lead="ผ้าฝ้ายทอมือ งานย้อมคราม และเครื่องเคลือบศิลาดล จากบ้านช่างในเชียงใหม่ ส่งถึงมือคุณทั่วประเทศ",
    ask="สอบถามร้าน",
    goods="สินค้าแนะนำ",
    goods_lead="ทำทีละชิ้น ลวดลายต่างกันเล็กน้อยเป็นเรื่องธรรมชาติของงานมือ",
    promises=(
        ("ส่งฟรีเมื่อครบ 1,000 บาท", "ค่าส่งทั่วประเทศ 50 บาท สั่งก่อน 14:00 น. ส่งวันเดียวกัน"),
        ("คืนสินค้าได้ภายใน 7 วัน", "แค่ทักแชตมา เราช่วยทำเรื่องให้ทุกขั้นตอน"),
        ("มีคนดูแลจริง", "เจ้าหน้าที่ประจำวันจันทร์ถึงเสาร์ 9:00 ถึง 18:00 น."),
    ),
    try_heading="ลองถามแชตของเรา",
    try_lead="เลือกคำถาม แล้วดูคำตอบค่อย ๆ ปรากฏ หรือพิมพ์คำถามของคุณเอง",
    questions=(
        "สั่งของไป 5 วันแล้ว ยังไม่ได้รับเลยค่ะ",
        "ได้ของแล้วแต่ไม่เหมือนในรูป อยากขอคืนค่ะ",
        "ค่าส่งต่างจังหวัดเท่าไหร่ กี่วันถึงคะ",
        "ร้านเปิดกี่โมงคะ",
    ),
    footer="หน้านี้เป็นส่วนหนึ่งของ csbot ไม่ใช่ร้านค้าจริง",
    products=(
        Product("shirt.svg", "เสื้อเชิ้ตผ้าฝ้ายทอมือ", "คอจีน สีธรรมชาติ ไซซ์ S ถึง XL", "890"),
        Product("bag.svg", "กระเป๋าผ้าแคนวาส", "ผ้าหนา มีซิป ใส่โน้ตบุ๊กได้", "650"),
        Product("scarf.svg", "ผ้าพันคอย้อมคราม", "ครามธรรมชาติ ย้อม 6 ครั้ง", "420"),
        Product("cup.svg", "ถ้วยศิลาดล", "เคลือบเขียวไข่กา จุ 250 มล.", "320"),
        Product("hat.svg", "หมวกสานใบลาน", "ปีกกว้าง พับเก็บได้", "390"),
        Product("tea.svg", "ชาเขียวกลิ่นมะลิ", "กระป๋อง 80 กรัม จากดอยแม่สลอง", "180"),
    ),
)

ENGLISH: Final = ShopWords(
    title="Cotton and handwork from Chiang Mai",
    description="The demo shop of csbot, an open-source customer-service chatbot",
    notice="A demo shop by csbot; nothing can be ordered",
    simulated="No API key is set: a simulator answers",
    skip="Skip to the goods",
    nav=("Goods", "Delivery", "Try it"),
    language="ไทย",
    other_locale=Locale.TH.value,
    heading="Made by hand,\nmade to last",
    lead="Hand-woven cotton, natural indigo and celadon ware from workshops around Chiang Mai, delivered all over "
    "Thailand.",
    ask="Ask the shop",
    goods="Our favourites",
    goods_lead="Each piece is made one at a time, so no two are quite alike.",
    promises=(
        ("Free delivery from 1,000 baht", "50 baht anywhere in Thailand. Ordered before 14:00, sent the same day."),
        ("Return it within 7 days", "Just write in the chat, and we will take you through it."),
        ("Real people behind it", "Our team is here Monday to Saturday, 9:00 to 18:00."),
    ),
    try_heading="Try our chat",
    try_lead="Pick a question and watch the answer being written, or type one of your own.",
    questions=(
        "I ordered 5 days ago and nothing has arrived.",
        "It doesn't look like the picture. I want to return it.",
        "How much is delivery, and how long does it take?",
        "When are you open?",
    ),
    footer="This page is part of csbot. It is not a real shop.",
    products=(
        Product("shirt.svg", "Hand-woven cotton shirt", "Band collar, undyed, S to XL", "890"),
        Product("bag.svg", "Canvas bag", "Heavy canvas with a zip, fits a laptop", "650"),
        Product("scarf.svg", "Indigo scarf", "Natural indigo, dipped six times", "420"),
        Product("cup.svg", "Celadon cup", "Pale green glaze, 250 ml", "320"),
        Product("hat.svg", "Palm-leaf hat", "Wide brim, folds flat", "390"),
        Product("tea.svg", "Jasmine green tea", "80 g tin, from Doi Mae Salong", "180"),
    ),
)

SHOP_WORDS: Final[Mapping[str, ShopWords]] = {Locale.TH.value: THAI, Locale.EN.value: ENGLISH}
