package embedded

import "context"

func (s *Store) migrate(ctx context.Context) error { return nil }
