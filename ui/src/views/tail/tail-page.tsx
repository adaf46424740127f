import { useEffect, useMemo, useState } from 'preact/hooks';
import { withLevel, levelIn } from '../../lib/query/level';
import { nextOf } from '../../lib/tail-window';
import { createTail, MOST_RECORDS } from '../../state/tail';
import type { TailState } from '../../state/tail';
import '../../styles/search.css';
import '../../styles/tail.css';
import { QueryBox } from '../query/query-box';
