# SPDX-License-Identifier: GPL-2.0-or-later
"""The engine's archive has no writable globals and asks the system for nothing but memory.

Second argument: the archive.  Instrumented builds (sanitizers, coverage) carry globals and calls
of their instrumentation; those are known by name, everything else counts.
"""
import subprocess
import sys

from common import finish

# What the engine may ask of libc: memory, strings, formatting, sorting.  No list of what is
# forbidden could ever be complete.
ALLOWED = set("""
malloc calloc realloc free aligned_alloc posix_memalign reallocarray
bcmp memcpy memmove memset memcmp memchr memmem mempcpy rawmemchr
strlen strnlen strcmp strncmp strcasecmp strncasecmp strchr strrchr strchrnul strstr strcpy strncpy stpcpy
strcat strdup strndup strspn strcspn strpbrk strtok_r strsep strtol strtoul strtoll strtoull strerror
snprintf vsnprintf sprintf sscanf qsort qsort_r bsearch abort __errno_location
__ctype_b_loc __ctype_tolower_loc __ctype_toupper_loc tolower toupper
inet_pton inet_ntop htons ntohs htonl ntohl gmtime_r timegm
__assert_fail __stack_chk_fail __memcpy_chk __memmove_chk __memset_chk __strcpy_chk __strncpy_chk
__strcat_chk __stpcpy_chk __snprintf_chk __vsnprintf_chk __sprintf_chk __isoc99_sscanf __isoc99_strtoul
__isoc99_strtoull __isoc23_strtoul __isoc23_strtoull __isoc23_strtol __isoc23_sscanf
_GLOBAL_OFFSET_TABLE_ __cpu_model __cpu_indicator_init __cpu_features2
__popcountdi2 __udivti3 __umodti3
""".split())
INSTRUMENT = ("__asan_", "__ubsan_", "__tsan_", "__sanitizer_", "__sancov_", "__gcov_", "__gcc_",
              "__odr_asan", ".LASAN", "asan.")


def nm(archive):
    """(member, type letter, name) of every symbol."""
    out = subprocess.run(["nm", archive], check=True, capture_output=True, text=True).stdout
    member = "?"
    for line in out.splitlines():
        if line.endswith(":"):
            member = line[:-1]
            continue
        words = line.split()
        if len(words) >= 2:
            yield member, words[-2], words[-1]


def writable(archive):
    """(member, section, bytes) of every section that can be written and is not empty."""
    out = subprocess.run(["objdump", "-h", "-w", archive], check=True, capture_output=True, text=True).stdout
    member = "?"
    for line in out.splitlines():
        words = line.split()
        if "file format" in line:
            member = words[0].rstrip(":")
        elif len(words) >= 7 and words[0].isdigit() and words[1].startswith((".data", ".bss", ".tdata", ".tbss")):
            # constants that hold addresses stand here until the linker has filled them in
            if int(words[2], 16) and not words[1].startswith(".data.rel.ro"):
                yield member, words[1], int(words[2], 16)


archive = sys.argv[2]
symbols = list(nm(archive))
instrumented = any(name.startswith(INSTRUMENT) for _, _, name in symbols)
defined = {name for _, kind, name in symbols if kind not in "Uwv"}
breaches = []
if not instrumented:
    breaches += [f"{m}: {n} bytes of {s}: a writable global" for m, s, n in writable(archive)]
for member, kind, name in symbols:
    # fw_: the engine's own; one that is missing is the linker's to tell
    if kind in "Uwv" and name not in ALLOWED and not name.startswith(("fw_", *INSTRUMENT)):
        if name not in defined:
            breaches.append(f"{member}: asks for {name}")
finish(sorted(set(breaches)), len(symbols))
