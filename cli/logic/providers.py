"""Who runs a mailbox, by its domain: the providers whose replies differ most from each other."""

_DOMAINS = {
    "QQ": "qq.com vip.qq.com foxmail.com exmail.qq.com",
    "NetEase": "163.com 126.com yeah.net 188.com vip.163.com vip.126.com",
    "Sina": "sina.com sina.cn vip.sina.com sina.com.cn",
    "Sohu": "sohu.com",
    "Aliyun": "aliyun.com alibaba.com",
    "China Mobile": "139.com",
    "China Telecom": "189.cn",
    "Google": "gmail.com googlemail.com",
    "Microsoft": "outlook.com hotmail.com live.com msn.com hotmail.co.uk hotmail.fr live.cn",
    "Yahoo": "yahoo.com ymail.com aol.com yahoo.co.jp yahoo.co.uk yahoo.fr yahoo.com.tw",
    "Apple": "icloud.com me.com mac.com",
    "Yandex": "yandex.ru yandex.com ya.ru",
    "Mail.ru": "mail.ru inbox.ru list.ru bk.ru",
    "Comcast": "comcast.net",
    "Orange": "orange.fr wanadoo.fr",
    "GMX, Web.de": "gmx.de gmx.net gmx.com web.de",
    "Naver": "naver.com",
}
_BY_DOMAIN = {
    domain: provider for provider, domains in _DOMAINS.items() for domain in domains.split()
}

OTHERS = "others"


def provider_of(address: str) -> str:
    """Name the provider of *address*; a domain that is none of theirs is among the others."""
    return _BY_DOMAIN.get(address.rpartition("@")[2].strip().lower(), OTHERS)
