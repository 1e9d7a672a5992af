#!/usr/bin/env python3
"""Makes stored.jsonl again: hashes as other programs store them, each with its password.

    python3 -m venv venv && venv/bin/pip install argon2-cffi==25.1.0 bcrypt==5.0.0 Django==5.2.19 passlib==1.7.4 Werkzeug==3.1.9
    venv/bin/python make.py > stored.jsonl

Salts are fixed, so the same versions give the same file.
"""

import base64
import hashlib
import hmac
import json
import os
import struct
from importlib.metadata import version

os.environ["PASSLIB_BUILTIN_BCRYPT"] = "enabled"

import bcrypt
import passlib.hash as ph
from argon2.low_level import Type, hash_secret
from django.conf import settings
from django.contrib.auth import hashers as dj
from passlib.handlers.bcrypt import bcrypt as passlib_bcrypt

settings.configure()
passlib_bcrypt.set_backend("builtin")

PASSWORDS = ["secret", " leading and trailing ", "пароль", "pässwörd", "pa\u0308sswo\u0308rd", "日本語のパスワード", "🔑🐎🔋", "a" * 72]
LONG = PASSWORDS + ["a" * 72 + "TAIL", "0123456789" * 30]
SALT = bytes(range(16))


def show(maker, password, stored):
    print(json.dumps({"maker": maker, "password": password, "hash": stored}))


def of(package):
    return f"{package} {version(package)}"


def argon2_hashes():
    maker = of("argon2-cffi")
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
    maker = of("bcrypt")
    salt = bcrypt.gensalt(4).decode()[:7] + "abcdefghijklmnopqrstuu"
    for password in PASSWORDS:
        show(maker, password, bcrypt.hashpw(password.encode(), salt.encode()).decode())
    for prefix in ("$2a$", "$2y$"):
        show(maker, "pässwörd", bcrypt.hashpw("pässwörd".encode(), salt.replace("$2b$", prefix).encode()).decode())
    for cost in ("05", "10", "14"):
        show(maker, "secret", bcrypt.hashpw(b"secret", salt.replace("$04$", f"${cost}$").encode()).decode())


def django_hashes():
    maker = of("Django")
    for hasher in (dj.PBKDF2PasswordHasher(), dj.PBKDF2SHA1PasswordHasher()):
        for password in LONG:
            show(maker, password, hasher.encode(password, "oracleSalt0001", iterations=1000))
    pbkdf2 = dj.PBKDF2PasswordHasher()
    show(maker, "secret", pbkdf2.encode("secret", "sälz!", iterations=1))
    show(maker, "secret", pbkdf2.encode("secret", "0123456789abcdefghijkl"))
    scrypt = dj.ScryptPasswordHasher()
    for password in LONG:
        show(maker, password, scrypt.encode(password, "oracleSalt0001", n=16, r=8, p=1))
    show(maker, "secret", scrypt.encode("secret", "oracleSalt0001", n=1 << 14, r=8, p=5))
    argon2 = dj.Argon2PasswordHasher()
    argon2.time_cost, argon2.memory_cost, argon2.parallelism = 1, 64, 2
    for password in PASSWORDS:
        show(maker, password, argon2.encode(password, "oracleSalt0001"))
    salt = b"$2b$04$abcdefghijklmnopqrstuu"
    for password in LONG:
        show(maker, password, dj.BCryptSHA256PasswordHasher().encode(password, salt))
    for password in PASSWORDS:
        show(maker, password, dj.BCryptPasswordHasher().encode(password, salt))


def passlib_hashes():
    maker = of("passlib")
    for handler in (ph.pbkdf2_sha1, ph.pbkdf2_sha256, ph.pbkdf2_sha512, ph.ldap_pbkdf2_sha1, ph.ldap_pbkdf2_sha256, ph.ldap_pbkdf2_sha512):
        for password in PASSWORDS[:5]:
            show(maker, password, handler.using(salt=SALT, rounds=1000).hash(password))
    for password in LONG:
        show(maker, password, ph.scrypt.using(salt=SALT, rounds=4, block_size=8, parallelism=2).hash(password))
        show(maker, password, ph.sha256_crypt.using(salt="saltstring", rounds=1000).hash(password))
        show(maker, password, ph.sha512_crypt.using(salt="saltstring", rounds=1000).hash(password))
        show(maker, password, ph.md5_crypt.using(salt="saltstri").hash(password))
        show(maker, password, ph.phpass.using(salt="saltstri", rounds=7).hash(password))
    show(maker, "secret", ph.sha256_crypt.using(salt="", rounds=5000).hash("secret"))
    show(maker, "secret", ph.sha512_crypt.using(salt="a", rounds=5000).hash("secret"))
    show(maker, "secret", ph.phpass.using(salt="saltstri", rounds=8, ident="H").hash("secret"))
    for password in PASSWORDS[:4]:
        for handler in (ph.ldap_salted_sha1, ph.ldap_salted_sha256, ph.ldap_salted_sha512):
            show(maker, password, handler.using(salt=SALT[:8]).hash(password))
    for password in LONG:
        for kind in (1, 2):
            show(maker, password, ph.bcrypt_sha256.using(salt="abcdefghijklmnopqrstuu", rounds=4, version=kind).hash(password))
    for password in ("secret", "pässwörd", "a" * 72):
        show(maker, password, ph.bcrypt.using(salt="abcdefghijklmnopqrstuu", rounds=4, ident="2").hash(password))


def werkzeug_hashes():
    maker = of("Werkzeug")
    import werkzeug.security as security

    security.gen_salt = lambda length: "oracleSalt000001"[:length]
    for password in LONG:
        for method in ("scrypt:1024:8:1", "pbkdf2:sha256:1000", "pbkdf2:sha1:1000", "pbkdf2:sha512:1000", "pbkdf2:sha224:1000", "pbkdf2:sha384:1000"):
            show(maker, password, security.generate_password_hash(password, method))
    show(maker, "secret", security.generate_password_hash("secret"))
    show(maker, "secret", security.generate_password_hash("secret", "pbkdf2:sha384"))


def drupal(password, count=7, salt="saltstri"):
    alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    digest = hashlib.sha512((salt + password).encode()).digest()
    for _ in range(1 << count):
        digest = hashlib.sha512(digest + password.encode()).digest()
    groups = (digest[at : at + 3] for at in range(0, len(digest), 3))
    tag = "".join(alphabet[int.from_bytes(group, "little") >> 6 * place & 63] for group in groups for place in range(len(group) + 1))
    return "$S$" + alphabet[count] + salt + tag[:43]


def by_the_rule():
    """Programs that no package for Python makes hashes of: as their source says, over Python's own primitives."""
    def pbkdf2(digest, password, rounds, length):
        return hashlib.pbkdf2_hmac(digest, password.encode(), SALT, rounds, length)

    for password in LONG:
        v2 = b"\0" + SALT + pbkdf2("sha1", password, 1000, 32)
        show("ASP.NET Identity 2", password, base64.b64encode(v2).decode())
        for number, digest, rounds in ((0, "sha1", 10), (1, "sha256", 1000), (2, "sha512", 1000)):
            head = struct.pack(">BIII", 1, number, rounds, len(SALT))
            show("ASP.NET Identity 3", password, base64.b64encode(head + SALT + pbkdf2(digest, password, rounds, 32)).decode())
        mac = base64.b64encode(hmac.new(b"wp-sha384", password.strip(" \t\n\r\0\x0b").encode(), "sha384").digest())
        show("Drupal 7", password, drupal(password))
        show("WordPress 6.8", password, "$wp" + bcrypt.hashpw(mac, b"$2y$04$abcdefghijklmnopqrstuu").decode())
    for password in PASSWORDS[:4]:
        for name, digest, length in (("pbkdf2", "sha1", 20), ("pbkdf2-sha256", "sha256", 64), ("pbkdf2-sha512", "sha512", 64)):
            secret = {"value": base64.b64encode(pbkdf2(digest, password, 1000, length)).decode(), "salt": base64.b64encode(SALT).decode(), "additionalParameters": {}}
            data = {"hashIterations": 1000, "algorithm": name, "additionalParameters": {}}
            show("Keycloak", password, json.dumps({"secretData": json.dumps(secret), "credentialData": json.dumps(data)}))
            show("Keycloak", password, json.dumps({"secretData": secret, "credentialData": data}))
        tag = hash_secret(password.encode(), SALT, 5, 64, 1, 32, Type.ID).decode().rsplit("$", 1)[1]
        secret = {"value": tag + "=", "salt": base64.b64encode(SALT).decode(), "additionalParameters": {}}
        more = {"hashLength": ["32"], "memory": ["64"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]}
        data = {"hashIterations": 5, "algorithm": "argon2", "additionalParameters": more}
        show("Keycloak", password, json.dumps({"secretData": json.dumps(secret), "credentialData": json.dumps(data)}))


argon2_hashes()
bcrypt_hashes()
django_hashes()
passlib_hashes()
werkzeug_hashes()
by_the_rule()
