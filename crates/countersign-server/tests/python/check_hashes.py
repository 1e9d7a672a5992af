"""Whether Django and pwdlib take the hashes that are made here: arguments of password, equals sign, hash."""

import sys

from django.conf import settings
from django.contrib.auth.hashers import check_password, identify_hasher
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

settings.configure(PASSWORD_HASHERS=["django.contrib.auth.hashers.Argon2PasswordHasher"])
pwdlib = PasswordHash((Argon2Hasher(),))

count = 0
for pair in sys.argv[1:]:
    password, _, stored = pair.partition("=")
    assert pwdlib.verify(password, stored), f"pwdlib refuses {stored}"
    assert not pwdlib.verify(password + "x", stored), f"pwdlib takes another password for {stored}"
    # Django writes the name of its hasher before it.
    assert identify_hasher("argon2" + stored).algorithm == "argon2"
    assert check_password(password, "argon2" + stored), f"Django refuses {stored}"
    assert not check_password(password + "x", "argon2" + stored), f"Django takes another password for {stored}"
    count += 1
print(f"{count} hashes")
assert count > 5
