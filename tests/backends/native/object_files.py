"""What an ELF object file says of itself (System V ABI, "Object files"): its machine, the symbols it asks for."""

from __future__ import annotations

import struct


def machine_of(code: bytes) -> int:
    """e_machine: 62 is x86-64, 183 AArch64."""
    assert code[:6] == b"\x7fELF\x02\x01", "expected a 64-bit little-endian ELF file"
    return struct.unpack_from("<H", code, 18)[0]


def undefined_symbols(code: bytes) -> set[str]:
    """Names that the linker must find elsewhere."""
    start, size, count = struct.unpack_from("<Q", code, 40)[0], *struct.unpack_from("<HH", code, 58)
    # a section: name, type, flags, address, offset, size, link, ...
    sections = [struct.unpack_from("<IIQQQQI", code, start + i * size) for i in range(count)]
    found = set()
    for _, kind, _, _, offset, length, link in sections:
        if kind == 2:  # SHT_SYMTAB; its link is the section of the names
            names = sections[link][4]
            for position in range(offset, offset + length, 24):
                name, _, _, section, _, _ = struct.unpack_from("<IBBHQQ", code, position)
                if name and section == 0:  # SHN_UNDEF
                    end = code.index(b"\0", names + name)
                    found.add(code[names + name : end].decode())
    return found
