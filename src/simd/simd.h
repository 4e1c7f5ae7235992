/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The four loops that touch every byte, each in the widest instructions that the processor has.
 * There is one file for each instruction set (scalar.c, x86_ssse3.c, x86_avx2.c, neon.c);
 * configure chooses those that the architecture can run, and simd_init() the one to use. Pure.
 */
#ifndef SIMD_SIMD_H
#define SIMD_SIMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SIMD_SLACK = 64, /* bytes; see frames_to_records and records_to_frames */
	SIMD_GAP = 64, /* bytes; see struct simd_records */
	SIMD_RECORDS_MAX = 256, /* of one call */
	SIMD_RECORD_MAX = 4096, /* bytes; see records_to_frames */
};

/* The output of frames_to_records. */
struct simd_records {
	uint8_t opcode; /* 1: text, 2: binary; the only frames to convert */
	bool separated; /* each record is followed by SEPARATOR */
	uint8_t separator;
	uint64_t max_record; /* bytes; stops before a frame with more payload */
	/*
	 * Where the next record goes: at least SIMD_GAP bytes below the first frame. A header
	 * is longer than a separator, so the output never catches up with the input.
	 */
	uint8_t *to;
	size_t count;
	bool ascii; /* all records are ASCII */
	uint16_t lens[SIMD_RECORDS_MAX]; /* of the records, without separators */
};

/* The output of records_to_frames. */
struct simd_frames {
	uint8_t separator; /* follows each record */
	bool cr; /* one '\r' before it does not belong to the record either */
	/* Where the next frame goes: SIMD_FRAMES_ROOM() + SIMD_SLACK bytes of other memory. */
	uint8_t *to;
	size_t count; /* incremented for each record */
	uint64_t bytes; /* incremented by the bytes in each record */
	bool ascii; /* all bytes converted are ASCII, and so are those read beyond them */
};

/* The largest output of LEN bytes: every header takes the place of a separator. */
#define SIMD_FRAMES_ROOM(len) (2 * (len))

struct simd {
	const char *name;

	/* True when the LEN bytes are a complete valid text (RFC 3629, section 4). */
	bool (*utf8_valid)(const uint8_t *bytes, size_t len);

	/*
	 * Masks or unmasks (RFC 6455, section 5.3: the same operation) LEN bytes from FROM to
	 * TO, which may be equal, or TO may lie below FROM and overlap it. OFFSET is the
	 * position of the first byte within the payload. Returns true when the output is ASCII.
	 */
	bool (*unmask)(uint8_t *to, const uint8_t *from, size_t len, const uint8_t mask[4],
	    uint64_t offset);

	/*
	 * Converts masked, unfragmented frames of R's opcode, as long as they are complete, at
	 * most 64 KiB and without an extension, to records. Stops after SIMD_RECORDS_MAX
	 * records or about 16 KiB, so that they are still in the cache when the caller checks
	 * them. Returns the number of bytes converted. May read SIMD_SLACK bytes after the
	 * input.
	 */
	size_t (*frames_to_records)(struct simd_records *r, const uint8_t *bytes, size_t len);

	/*
	 * Converts complete records to unmasked text frames. Stops before a record that is
	 * longer than SIMD_RECORD_MAX; one that exceeds it by less than 64 bytes may be
	 * converted. Returns the number of bytes converted. May read SIMD_SLACK bytes after the
	 * input.
	 */
	size_t (*records_to_frames)(struct simd_frames *f, const uint8_t *bytes, size_t len);
};

/* The functions in use: simd_scalar until simd_init(). */
extern const struct simd *simd;

/* Chooses the fastest functions that this processor supports. */
void simd_init(void);

/*
 * Lists what this processor supports, the fastest first, and returns how many there are. The
 * last is always simd_scalar.
 */
enum { SIMD_LIST_MAX = 3 };
size_t simd_list(const struct simd *list[SIMD_LIST_MAX]);

/*
 * Goes on by one byte from *STATE, which is 0 between two characters. False: no valid text has
 * BYTE there, and *STATE must not be used again.
 */
bool simd_utf8_step(uint8_t *state, uint8_t byte);

/* Only simd_list() of the architecture refers to the others. */
extern const struct simd simd_scalar;
extern const struct simd simd_ssse3;
extern const struct simd simd_avx2;
extern const struct simd simd_neon;

#endif
