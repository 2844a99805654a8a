"""placeholder"""


def client():
    return ""
