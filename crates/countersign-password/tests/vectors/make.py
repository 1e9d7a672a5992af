#!/usr/bin/env python3
"""Makes stored.jsonl again: hashes as other programs store them, each with its password.

    python3 -m venv venv && venv/bin/pip install argon2-cffi==25.1.0 bcrypt==5.0.0 Django==5.2.19
    venv/bin/python make.py > stored.jsonl

Salts are fixed, so the same versions give the same file. The hashes that stand as text come from elsewhere.
"""

import base64
import json
from importlib.metadata import version

import bcrypt
from argon2.low_level import Type, hash_secret
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher

settings.configure()

PASSWORDS = ["secret", " leading and trailing ", "пароль", "pässwörd", "pa\u0308sswo\u0308rd", "日本語のパスワード", "🔑🐎🔋", "a" * 72]
SALT = bytes(range(16))


def show(maker, password, stored):
    print(json.dumps({"maker": maker, "password": password, "hash": stored}))


def argon2_hashes():
    maker = f"argon2-cffi {version('argon2-cffi')}"
    for password in PASSWORDS:
        show(maker, password, hash_secret(password.encode(), SALT, 2, 1024, 1, 32, Type.ID).decode())
    for kind in Type:
        for number in (16, 19):
            for time, memory, lanes, salt, length in [(1, 8, 1, 8, 16), (3, 100, 2, 16, 32), (2, 333, 4, 20, 33), (1, 64, 8, 64, 64)]:
                stored = hash_secret(b"secret", bytes(salt), time, memory, lanes, length, kind, version=number)
                show(maker, "secret", stored.decode())
    show(maker, "secret", hash_secret(b"secret", SALT, 2, 19456, 1, 32, Type.ID).decode())
    show(maker, "secret", hash_secret(b"secret", SALT, 3, 65536, 4, 32, Type.ID).decode())


def bcrypt_hashes():
    maker = f"bcrypt {version('bcrypt')}"
    salt = bcrypt.gensalt(4).decode()[:7] + "abcdefghijklmnopqrstuu"
    for password in PASSWORDS:
        show(maker, password, bcrypt.hashpw(password.encode(), salt.encode()).decode())
    for prefix in ("$2a$", "$2y$"):
        show(maker, "pässwörd", bcrypt.hashpw("pässwörd".encode(), salt.replace("$2b$", prefix).encode()).decode())
    for cost in ("05", "10", "14"):
        show(maker, "secret", bcrypt.hashpw(b"secret", salt.replace("$04$", f"${cost}$").encode()).decode())


def django_hashes():
    maker = f"Django {version('Django')}"
    hasher = PBKDF2PasswordHasher()
    for password in PASSWORDS:
        show(maker, password, hasher.encode(password, "oracleSalt0001", iterations=1000))
    show(maker, "secret", hasher.encode("secret", "sälz!", iterations=1))
    show(maker, "secret", hasher.encode("secret", "0123456789abcdefghijkl"))


argon2_hashes()
bcrypt_hashes()
django_hashes()

# Accounts of the reference systems (../shared/contract/README.md).
for password, stored in [
    ("password", "$2b$12$PQO42dMponRoPGWyt5co5OiZCQJcpKDFxet8n5MnkUHNNHAg/mioS"),
    ("secret", "$argon2id$v=19$m=65536,t=3,p=4$wagCPXjifgvUFBzq4hqe3w$CYaIb8sB+wtD+Vu/P4uod1+Qof8h+1g7bbDlBID48Rc"),
    ("пароль", "$2b$10$DcBC6hLmTX72pwXltbOhJOSr3bE4eAjrU1JePDKqmpCVS9OG9rcFO"),
    ("secret", "pbkdf2_sha256$1000000$oracleSalt0001$X2Vq9IpUUw17klJY0EbnXQ10dS3EtY4MKvIjowu3TDw="),
]:
    show("reference systems", password, stored)

# The test vectors that come with jBCrypt and Openwall's crypt_blowfish.
for password, stored in [
    ("a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"),
    ("abcdefghijklmnopqrstuvwxyz", "$2a$08$aTsUwsyowQuzRrDqFflhgekJ8d9/7Z3GV3UcgvzQW3J5zMyrTvlz."),
    ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    ("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
]:
    show("published vectors", password, stored)
