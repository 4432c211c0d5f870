/* SPDX-License-Identifier: Apache-2.0 */
/* What the install verbs did or could not do, in systemctl's words. Text only. */
#include "unit/install_internal.h"

#include <errno.h>
#include <string.h>

static const char *const type_names[INSTALL_CHANGE_TYPES] = {
    [INSTALL_SYMLINK] = "symlink",
    [INSTALL_UNLINK] = "unlink",
    [INSTALL_MASKED] = "masked",
    [INSTALL_MASKED_GENERATOR] = "masked by generator",
    [INSTALL_DANGLING] = "dangling",
    [INSTALL_DESTINATION_MISSING] = "destination not present",
    [INSTALL_AUXILIARY_FAILED] = "auxiliary unit failed",
};

const char *install_change_type_to_string(int type) {
    return type >= 0 && type < INSTALL_CHANGE_TYPES ? type_names[type] : NULL;
}

const struct install_change *install_first_error(const struct install_changes *changes) {
    for (size_t i = 0; i < changes->n; i++)
        if (changes->items[i].type < 0)
            return &changes->items[i];
    return NULL;
}

static void describe_done(const struct install_change *change, struct text *out) {
    switch (change->type) {
    case INSTALL_SYMLINK:
        text_addf(out, "Created symlink %s → %s.", change->path, change->source);
        break;
    case INSTALL_UNLINK:
        text_addf(out, "Removed \"%s\".", change->path);
        break;
    case INSTALL_MASKED:
        text_addf(out, "Unit %s is masked, ignoring.", change->path);
        break;
    case INSTALL_MASKED_GENERATOR:
        text_addf(out, "Unit %s is masked via a generator and cannot be unmasked.", change->path);
        break;
    case INSTALL_DANGLING:
        text_addf(out, "Unit %s is an alias to a unit that is not present, ignoring.", change->path);
        break;
    case INSTALL_DESTINATION_MISSING:
        text_addf(out, "Unit %s is added as a dependency to a non-existent unit %s.", change->source,
                  change->path);
        break;
    case INSTALL_AUXILIARY_FAILED:
        text_addf(out, "Failed to enable auxiliary unit %s, ignoring.", change->path);
        break;
    }
}

static void describe_failure(const struct install_change *change, const char *verb, struct text *out) {
    const char *path = change->path, *source = change->source;
    switch (-change->type) {
    case EEXIST:
        text_addf(out, "Failed to %s unit, file \"%s\" already exists", verb, path);
        if (source)
            text_addf(out, " and is a symlink to \"%s\"", source);
        text_add(out, ".");
        break;
    case ERFKILL:
        text_addf(out, "Failed to %s unit, unit %s is masked.", verb, path);
        break;
    case EADDRNOTAVAIL:
        text_addf(out, "Failed to %s unit, unit %s is transient or generated.", verb, path);
        break;
    case EBADSLT:
        text_addf(out, "Failed to %s unit, invalid specifier in \"%s\".", verb, path);
        break;
    case EUNATCH:
        text_addf(out, "Failed to %s unit, cannot resolve specifiers in \"%s\".", verb, path);
        break;
    case EIDRM:
        text_addf(out, "Failed to %s %s, destination unit %s is a non-template unit.", verb,
                  source ? source : "unit", path);
        break;
    case EUCLEAN:
        text_addf(out, "Failed to %s unit, \"%s\" is not a valid unit name.", verb, path);
        break;
    case ELOOP:
        text_addf(out, "Failed to %s unit, refusing to operate on linked unit file %s.", verb, path);
        break;
    case EXDEV:
        if (source)
            text_addf(out, "Failed to %s unit, cannot alias %s as %s.", verb, source, path);
        else
            text_addf(out, "Failed to %s unit, invalid unit reference \"%s\".", verb, path);
        break;
    case ENOENT:
        text_addf(out, "Failed to %s unit, unit %s does not exist.", verb, path);
        break;
    case ENOLINK:
        text_addf(out, "Failed to %s unit, %s is a symlink to a unit that does not exist.", verb, path);
        break;
    default:
        text_addf(out, "Failed to %s unit, file \"%s\": %s", verb, path, strerror(-change->type));
    }
}

void install_change_describe(const struct install_change *change, const char *verb, struct text *out) {
    if (change->type < 0)
        describe_failure(change, verb, out);
    else
        describe_done(change, out);
}

void install_error_describe(int error, const struct install_changes *changes, const char *verb,
                            struct text *out) {
    const struct install_change *failed = install_first_error(changes);
    if (failed)
        describe_failure(failed, verb, out);
    else
        text_addf(out, "Failed to %s: %s.", verb, strerror(-error));
}
