#include "store/files.h"
